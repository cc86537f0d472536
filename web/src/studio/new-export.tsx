import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Job, JobTypeInfo, JsonObject } from '../../../client/index.ts'
import { FormContext } from '../form/context.ts'
import { ParamsForm } from '../form/params-form.tsx'
import { ownValue } from '../form/schema.ts'
import { bytes } from '../format.ts'
import { Stage } from '../preview/stage.tsx'
import { Link } from '../router.tsx'
import { exportal, projectId } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { Icon } from '../ui/icon.tsx'
import { loadPart } from '../ui/load-part.ts'
import { Problem } from '../ui/problem.tsx'
import { DropZone } from '../upload/drop-zone.tsx'
import { rememberLocal, storedUrl } from '../upload/local-files.ts'
import { firstParams, firstShape } from './suggestions.ts'
import { useCreate } from './use-create.ts'
import { useSession } from './use-session.ts'

interface Stored {
  key: string
  name: string
  size: number
}

interface NewExportProps {
  /** Null while they are being asked for. */
  types: JobTypeInfo[] | null
  onCreated: (job: Job) => void
}

/** Drop a video, say what is to be made of it, see what that will look like, create. */
export function NewExport({ types, onCreated }: NewExportProps) {
  const [stored, setStored] = useSession<Stored | null>(`source:${projectId()}`, null)
  const [file, setFile] = useState<File | null>(null)
  const [percent, setPercent] = useState(0)
  const [failure, setFailure] = useState<unknown>(null)
  const [typeName, setTypeName] = useSession('type', 'overlay')
  const [drafts, setDrafts] = useSession<Record<string, JsonObject>>('drafts', {})
  const [durationSeconds, setDurationSeconds] = useState<number | null>(null)
  const creation = useCreate()
  const video = useRef<HTMLVideoElement>(null)
  const form = useRef<HTMLFormElement>(null)

  const type = types?.find(({ name }) => name === typeName) ?? types?.[0]
  const params = type ? (ownValue(drafts, type.name) ?? firstParams(type.name, type.params)) : {}
  const setParams = (next: JsonObject) => {
    if (!type) return
    setDrafts({ ...drafts, [type.name]: next })
    creation.edited(params, next)
  }
  const url = useSourceUrl(file, stored)
  const source = stored ?? (file && { name: file.name, size: file.size })

  // The first field that was refused, so that nobody has to look for it.
  useEffect(() => {
    if (creation.errors.length > 0) form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus()
  }, [creation.errors])

  const submit = async (event: Event) => {
    event.preventDefault()
    if (!stored || !type) return
    const job = await creation.create({ type: type.name, input_video_key: stored.key, params })
    if (!job) return
    announce('The export was accepted.')
    onCreated(job)
  }
  const replace = () => {
    setStored(null)
    setFile(null)
    setPercent(0)
    creation.reset()
  }
  const context = useMemo(
    () => ({
      errors: creation.errors,
      position: () => video.current?.currentTime ?? null,
      durationSeconds,
      uploadImage,
    }),
    [creation.errors, durationSeconds],
  )

  return (
    <section class="new-export" data-filled={source !== null} aria-labelledby="new-title">
      <header class="section-head">
        <h2 id="new-title">New export</h2>
        {source && (
          <div class="source">
            <Icon name="film" />
            <span class="ellipsis">{source.name}</span>
            <span class="muted">{bytes(source.size)}</span>
            {stored && (
              <button type="button" class="bare" onClick={replace}>
                Replace
              </button>
            )}
          </div>
        )}
      </header>
      {failure != null && (
        <Problem error={failure} title="The upload did not work" retry={() => setFailure(null)} />
      )}
      {!stored && (
        <div class="upload" data-busy={file !== null}>
          <DropZone
            onFile={(next) => {
              setFailure(null)
              setPercent(0)
              setFile(next)
              creation.reset()
            }}
            onProgress={setPercent}
            onDone={(done, key) => {
              rememberLocal(key, done)
              setStored({ key, name: done.name, size: done.size })
              announce(`${done.name} is uploaded.`)
            }}
            onError={setFailure}
            onRemoved={() => setFile(null)}
          />
        </div>
      )}
      {source && url && (
        <div class="workbench">
          <div class="workbench-preview">
            <Stage
              key={url}
              url={url}
              type={type?.name ?? ''}
              params={params}
              onChange={setParams}
              video={video}
              onDuration={setDurationSeconds}
            />
          </div>
          <form ref={form} class="workbench-form" noValidate onSubmit={(event) => void submit(event)}>
            {types === null ? (
              <div
                class="skeleton"
                role="status"
                aria-label="Loading what can be made of it"
                style={{ height: '10rem' }}
              />
            ) : (
              <TypeChoice types={types} chosen={type?.name ?? ''} choose={setTypeName} />
            )}
            {type && (
              <FormContext.Provider value={context}>
                <ParamsForm
                  key={type.name}
                  schema={type.params}
                  value={params}
                  pointer="/params"
                  onChange={setParams}
                  start={firstShape(type.name)}
                />
              </FormContext.Provider>
            )}
            {creation.error != null && <Problem error={creation.error} title="The export was not accepted" />}
            <div class="submit">
              <button type="submit" class="primary" disabled={!stored || creation.busy || !type}>
                {stored ? (creation.busy ? 'Creating…' : 'Create export') : `Uploading, ${percent} %`}
              </button>
              {creation.created && (
                <p class="muted" role="status">
                  Accepted. <Link to={`/jobs/${creation.created.id}`}>Follow it</Link>
                </p>
              )}
            </div>
          </form>
        </div>
      )}
    </section>
  )
}

interface TypeChoiceProps {
  types: JobTypeInfo[]
  chosen: string
  choose: (name: string) => void
}

function TypeChoice({ types, chosen, choose }: TypeChoiceProps) {
  return (
    <fieldset class="types">
      <legend>What to make of it</legend>
      {types.map(({ name, summary }) => (
        <label key={name}>
          <input
            type="radio"
            name="type"
            value={name}
            checked={name === chosen}
            onChange={() => choose(name)}
          />
          <span>
            <strong>{name}</strong>
            <small>{summary}</small>
          </span>
        </label>
      ))}
    </fieldset>
  )
}

/** The file of this visit, else what the service hands out of an upload from before a reload. */
function useSourceUrl(file: File | null, stored: Stored | null): string | null {
  const local = useMemo(() => (file ? URL.createObjectURL(file) : null), [file])
  useEffect(() => () => void (local && URL.revokeObjectURL(local)), [local])
  return local ?? (stored && storedUrl(stored.key))
}

async function uploadImage(file: File): Promise<string> {
  await loadPart('client-upload', () => import('../../../client/upload.ts'))
  const { video_key: key } = await exportal.uploadVideo(file, { projectId: projectId() })
  rememberLocal(key, file)
  return key
}
