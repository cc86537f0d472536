import { useRef, useState } from 'preact/hooks'
import type { Job } from '../../../client/index.ts'
import { linkToShare } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { Icon } from '../ui/icon.tsx'

/** Copies a link to this page that works for other people. */
export function Share({ job }: { job: Job }) {
  const [state, setState] = useState<{ link: string; copied: boolean } | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const share = async () => {
    const link = await linkToShare(job)
    try {
      await navigator.clipboard.writeText(link)
      setState({ link, copied: true })
      announce('Link copied.')
    } catch {
      // The clipboard is unavailable on an insecure origin, or not permitted: the link is shown for manual copying.
      setState({ link, copied: false })
      field.current?.select()
    }
  }
  return (
    <div class="share">
      <button type="button" class="quiet" onClick={() => void share()}>
        <Icon name={state?.copied ? 'check' : 'link'} />
        <span>{state?.copied ? 'Link copied' : 'Copy link'}</span>
      </button>
      {state && !state.copied && (
        <input
          ref={field}
          readOnly
          aria-label="Link to this export"
          value={state.link}
          onFocus={(event) => event.currentTarget.select()}
        />
      )}
    </div>
  )
}
