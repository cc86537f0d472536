import type { RefObject } from 'preact'
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks'
import { ExportalError, type Job, type JobTypeInfo, type JsonObject } from '../../../client/index.ts'
import { FormContext } from '../form/context.ts'
import { ParamsForm } from '../form/params-form.tsx'
import { ownValue } from '../form/schema.ts'
import { fileName, sourceName } from '../format.ts'
import { itemPointer } from '../preview/overlay-layer.tsx'
import { Stage } from '../preview/stage.tsx'
import { Link } from '../router.tsx'
import { projectId } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { Icon } from '../ui/icon.tsx'
import { Problem } from '../ui/problem.tsx'
import { DropZone } from '../upload/drop-zone.tsx'
import { fileUrl, rememberLocal, storedUrl } from '../upload/local-files.ts'
import { useUpload } from '../upload/use-upload.ts'
import { fileOf } from '../video/remedy.ts'
import { imageSetter } from './image-setter.ts'
import { type Frame, outcomeOf } from './outcome.ts'
import { CropPresets, OutputPresets } from './presets.tsx'
import { SourceRow } from './source-row.tsx'
import { firstParams, firstShape } from './suggestions.ts'
import { useCreate } from './use-create.ts'
import { useEdits } from './use-edits.ts'
import { useRerun } from './use-rerun.ts'
import { useSession } from './use-session.ts'

interface Stored {
  key: string
  name: string
  /** Null for an upload from before this visit. */
  size: number | null
}

interface NewExportProps {
  /** Null while they are being loaded. */
  types: JobTypeInfo[] | null
  onCreated: (job: Job) => void
}

/** Selects a video, sets its params with a preview, and creates the export. */
export function NewExport({ types, onCreated }: NewExportProps) {
  const [stored, setStored] = useSession<Stored | null>(`source:${projectId()}`, null)
  /** URL of an external video. Not stored for the session: it may contain a signature. */
  const [address, setAddress] = useState<string | null>(null)
  /** The id of the export that this one is based on. */
  const [rerunOf, setRerunOf] = useSession<string | null>(`rerun:${projectId()}`, null)
  const [frame, setFrame] = useState<Frame | null>(null)
  const edits = useEdits()
  const creation = useCreate()
  const [name, setName] = useState('')
  const video = useRef<HTMLVideoElement>(null)
  const form = useRef<HTMLFormElement>(null)
  const formId = useId()
  const upload = useUpload((done, key) => {
    rememberLocal(key, done)
    setStored({ key, name: done.name, size: done.size })
    announce(`${done.name} is uploaded.`)
  })

  const type = types?.find(({ name }) => name === edits.type) ?? types?.[0]
  const params = type ? (ownValue(edits.drafts, type.name) ?? firstParams(type.name, type.params)) : {}
  const [selected, select] = useState<string | null>(() => lastItem(params))
  const setParams = (next: JsonObject) => {
    if (type) edits.change({ drafts: { ...edits.now().drafts, [type.name]: next } })
  }
  // Clears the refusals of params that have changed since.
  const before = useRef(params)
  useEffect(() => {
    creation.edited(before.current, params)
    before.current = params
  })
  useKeys(edits, form)
  useEffect(keepPage, [])

  const urlNow = () => (upload.file ? fileUrl(upload.file) : stored ? storedUrl(stored.key) : address)
  const url = urlNow()
  const chosen = stored ?? upload.file
  const source = chosen ?? (address === null ? null : { name: nameAt(address), size: null })
  const input = stored ? { input_video_key: stored.key } : address !== null && { input_video_url: address }

  // Focuses the first refused field.
  useEffect(() => {
    const [, item] = /^(\/params\/items\/\d+)\//.exec(creation.errors[0]?.pointer ?? '') ?? []
    if (item) select(item)
    if (creation.errors.length === 0) return
    const field = requestAnimationFrame(() =>
      form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus(),
    )
    return () => cancelAnimationFrame(field)
  }, [creation.errors])

  const submit = async (event: Event) => {
    event.preventDefault()
    if (!input || !type) return
    const metadata = { ...(name.trim() && { name: name.trim() }), ...(rerunOf && { rerun_of: rerunOf }) }
    const job = await creation.create({ type: type.name, ...input, params, metadata })
    if (!job) return
    announce('The export was accepted.')
    onCreated(job)
  }
  const forget = () => {
    setStored(null)
    setAddress(null)
    setRerunOf(null)
    setName('')
    setFrame(null)
    creation.reset()
  }
  const replace = () => {
    upload.stop()
    forget()
  }
  const rerun = useRerun((job) => {
    replace()
    const { input_video_key: key, input_video_url: elsewhere, metadata } = job
    setStored(key ? { key, name: sourceName(job), size: null } : null)
    setAddress(elsewhere)
    setRerunOf(job.id)
    setName(typeof metadata.name === 'string' ? metadata.name : '')
    edits.change({ type: job.type, drafts: { ...edits.now().drafts, [job.type]: job.params } }, true)
    select(lastItem(job.params))
    announce(`The studio has the video and settings of ${sourceName(job)}.`)
  })
  const context = useMemo(
    () => ({
      errors: creation.errors,
      position: () => video.current?.currentTime ?? null,
      durationSeconds: frame && Number.isFinite(frame.durationSeconds) ? frame.durationSeconds : null,
      selected,
      select,
      setImage: imageSetter(edits, type),
    }),
    [creation.errors, frame, selected, type],
  )

  return (
    <section class="new-export" aria-labelledby="new-title">
      <h2 id="new-title" class="visually-hidden">
        New export
      </h2>
      {upload.failure != null && (
        <Problem
          error={upload.failure}
          title="The upload did not work"
          retry={upload.file ? () => upload.file && upload.take(upload.file) : undefined}
        />
      )}
      {rerun.error != null && (
        <Problem
          error={rerun.error}
          title="The export to be changed could not be opened"
          retry={rerun.retry}
        />
      )}
      {rerun.pending && (
        <div
          class="skeleton"
          role="status"
          aria-label="Opening the export to be changed"
          style={{ height: '18rem' }}
        />
      )}
      {source && !rerun.pending && (
        <SourceRow
          source={source}
          percent={input ? null : upload.percent}
          rerunOf={rerunOf}
          onReplace={replace}
        />
      )}
      {!source && !rerun.pending && (
        <DropZone
          unfinished={upload.unfinished}
          onFile={(file) => {
            forget()
            upload.take(file)
          }}
          onAddress={(next) => {
            forget()
            setAddress(next)
          }}
          onForget={upload.stop}
        />
      )}
      {source && url && !rerun.pending && (
        <FormContext.Provider value={context}>
          <div class="workbench">
            <div class="workbench-preview">
              <Stage
                key={fileOf(url)}
                urlNow={urlNow}
                type={type?.name ?? ''}
                params={params}
                onChange={setParams}
                video={video}
                frame={frame}
                onFrame={setFrame}
              >
                <StepButton name="undo" label="Undo" can={edits.canUndo} go={edits.undo} />
                <StepButton name="redo" label="Redo" can={edits.canRedo} go={edits.redo} />
              </Stage>
            </div>
            <form
              ref={form}
              id={formId}
              class="workbench-form"
              noValidate
              onSubmit={(event) => void submit(event)}
            >
              {types === null ? (
                <div
                  class="skeleton"
                  role="status"
                  aria-label="Loading what can be made of it"
                  style={{ height: '10rem' }}
                />
              ) : (
                <TypeChoice
                  types={types}
                  chosen={type?.name ?? ''}
                  choose={(name) => edits.change({ type: name })}
                />
              )}
              {type && (
                <ParamsForm
                  key={type.name}
                  schema={type.params}
                  value={params}
                  pointer="/params"
                  onChange={setParams}
                  start={firstShape(type.name)}
                  shapes={
                    type.name === 'crop' && <CropPresets params={params} onChange={setParams} frame={frame} />
                  }
                />
              )}
              {type && <OutputPresets params={params} onChange={setParams} />}
            </form>
            <div class="submit">
              <span class="outcome">{type && frame ? outcomeOf(type.name, params, frame) : ''}</span>
              <input
                type="text"
                class="export-name"
                aria-label="Name of the export"
                placeholder="Name (optional)"
                maxLength={120}
                value={name}
                onInput={(event) => setName(event.currentTarget.value)}
              />
              <span class="spacer" />
              {creation.error != null && <Refused error={creation.error} />}
              {creation.created && (
                <p class="muted" role="status">
                  Accepted. <Link to={`/jobs/${creation.created.id}`}>Follow it</Link>
                </p>
              )}
              <button
                type="submit"
                form={formId}
                class="primary"
                disabled={!input || creation.busy || !type}
                onClick={(event) => {
                  // The second click of a double click may come after the answer, and would create another export.
                  if (event.detail > 1) event.preventDefault()
                }}
              >
                {input ? (creation.busy ? 'Creating…' : 'Create export') : `Uploading, ${upload.percent} %`}
              </button>
            </div>
          </div>
        </FormContext.Provider>
      )}
    </section>
  )
}

/** Refusals that are shown at their field are omitted. */
function Refused({ error }: { error: unknown }) {
  const atFields = error instanceof ExportalError && error.errors.length > 0
  const hidden = atFields && error.errors.every(({ pointer }) => pointer.startsWith('/params'))
  if (!hidden) return <Problem error={error} title="The export was not accepted" />
  return (
    <p class="field-error" role="alert">
      Not accepted yet: see the marked {error.errors.length === 1 ? 'field' : 'fields'}.
    </p>
  )
}

interface StepButtonProps {
  name: 'undo' | 'redo'
  label: string
  can: boolean
  go: () => void
}

function StepButton({ name, label, can, go }: StepButtonProps) {
  return (
    <button type="button" class="bare" aria-label={label} title={label} disabled={!can} onClick={go}>
      <Icon name={name} />
    </button>
  )
}

/**
 * ⌘Z and ⇧⌘Z, or with Ctrl, anywhere on the page while the form is shown, including its fields: their content is part
 * of the undo history. Other fields have the browser's own.
 */
function useKeys(
  { undo, redo }: { undo: () => void; redo: () => void },
  form: RefObject<HTMLFormElement>,
): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { ctrlKey, metaKey, shiftKey, target } = event
      const field = target instanceof Element && target.closest(TYPED_INTO)
      if (!form.current || (field && !form.current.contains(field))) return
      const key = event.key.toLowerCase()
      const isUndo = key === 'z' && (ctrlKey || metaKey)
      // On Windows; on a Mac this key with Command opens the browser's history.
      const isRedo = key === 'y' && ctrlKey
      if (!isUndo && !isRedo) return
      event.preventDefault()
      if (isRedo || shiftKey) redo()
      else undo()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  })
}

/** A file that is dropped beside its place would replace the page. */
function keepPage(): () => void {
  const stop = new AbortController()
  const keep = (event: DragEvent) => {
    const isField = event.target instanceof HTMLInputElement && event.target.type === 'file'
    if (!isField && event.dataTransfer?.types.includes('Files')) event.preventDefault()
  }
  for (const type of ['dragover', 'drop'] as const) addEventListener(type, keep, { signal: stop.signal })
  return () => stop.abort()
}

const TYPED_INTO = 'textarea, dialog, input:not([type=range], [type=checkbox], [type=radio], [type=file])'

interface TypeChoiceProps {
  types: JobTypeInfo[]
  chosen: string
  choose: (name: string) => void
}

function TypeChoice({ types, chosen, choose }: TypeChoiceProps) {
  return (
    <fieldset class="segments types">
      <legend class="visually-hidden">What to make of it</legend>
      {types.map(({ name, summary }) => (
        <label key={name} title={summary}>
          <input
            type="radio"
            name="type"
            value={name}
            checked={name === chosen}
            onChange={() => choose(name)}
          />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  )
}

/** A name for the URL: the last part of its path, or its host. */
function nameAt(address: string): string {
  const { host, pathname } = new URL(address)
  return fileName(pathname) || host
}

/** JSON pointer of the item that is open initially. */
function lastItem({ items }: JsonObject): string {
  return itemPointer(Array.isArray(items) ? Math.max(0, items.length - 1) : 0)
}
