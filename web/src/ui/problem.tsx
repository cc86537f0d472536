import { useState } from 'preact/hooks'
import { ExportalConnectionError, ExportalError } from '../../../client/index.ts'
import { visitWith } from '../service.ts'
import { Icon } from './icon.tsx'

interface ProblemProps {
  error: unknown
  /** What could not be done: the heading. */
  title: string
  /** Shown as a button where trying again can help. */
  retry?: (() => void) | undefined
}

/** What went wrong, in the service's own words. */
export function Problem({ error, title, retry }: ProblemProps) {
  const refused = error instanceof ExportalError ? error : null
  return (
    <div class="problem" role="alert">
      <Icon name="warn" />
      <div>
        <p class="problem-title">{title}</p>
        {refused && refused.errors.length > 0 ? (
          <ul>
            {refused.errors.map(({ pointer, detail }) => (
              <li key={pointer}>
                <code>{pointer}</code> {detail}
              </li>
            ))}
          </ul>
        ) : (
          <p>{sentenceOf(error)}</p>
        )}
        {refused?.requestId && (
          <p class="muted small">
            {refused.code} · request {refused.requestId}
          </p>
        )}
        {refused?.status === 401 && <TokenForm />}
        {retry && refused?.status !== 401 && (
          <button type="button" class="quiet" onClick={retry}>
            Try again
          </button>
        )}
      </div>
    </div>
  )
}

export function sentenceOf(error: unknown): string {
  if (error instanceof ExportalError) return error.detail
  if (error instanceof ExportalConnectionError || error instanceof TypeError) {
    return 'The service could not be reached. It may be restarting, or this computer may be offline.'
  }
  return error instanceof Error ? error.message : String(error)
}

/** A token belongs to this visit: it goes into the address, and is kept nowhere else. */
function TokenForm() {
  const [token, setToken] = useState('')
  const submit = (event: Event) => {
    event.preventDefault()
    visitWith(token.trim())
  }
  return (
    <form class="token-form" onSubmit={submit}>
      <label>
        Access token
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Use it
      </button>
    </form>
  )
}
