import { ExportalConnectionError, ExportalError } from '../../../client/index.ts'
import { SignIn } from '../session/sign-in.tsx'
import { Icon } from './icon.tsx'

interface ProblemProps {
  error: unknown
  /** The heading: which action failed. */
  title: string
  /** Shown as a button where a retry can help. */
  retry?: (() => void) | undefined
}

/** An error with the service's explanation. */
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
        {refused?.status === 401 && <SignIn again={retry} />}
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
