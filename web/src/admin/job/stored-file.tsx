import { useEffect, useState } from 'preact/hooks'
import { bytes } from '../../format.ts'
import { exportal } from '../../service.ts'

interface Stored {
  size: string
  etag: string
}

/** A file in storage, with its size and entity tag. */
export function StoredFile({ name, url }: { name: string; url: string | null }) {
  const [stored, setStored] = useState<Stored | string | null>(null)
  useEffect(() => {
    if (!url) return
    const stop = new AbortController()
    fetch(exportal.absolute(url), { method: 'HEAD', signal: stop.signal }).then(
      ({ ok, status, headers }) => {
        const size = bytes(Number(headers.get('Content-Length')))
        if (ok) setStored({ size, etag: headers.get('ETag') ?? '–' })
        // Only a 404 means that there is no such file; otherwise the URL may have expired, or storage be unavailable.
        else setStored(status === 404 ? 'not in storage' : `not known, the service answered ${status}`)
      },
      // The page was left, or the service is out of reach: nothing is shown.
      () => {},
    )
    return () => stop.abort()
  }, [url])
  return (
    <p class="stored muted small">
      {name}: {url === null ? 'none' : stored === null ? '…' : typeof stored === 'string' ? stored : ''}
      {stored !== null && typeof stored !== 'string' && (
        <>
          {stored.size}, ETag <span class="mono">{stored.etag}</span>
        </>
      )}
    </p>
  )
}
