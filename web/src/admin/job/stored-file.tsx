import { useEffect, useState } from 'preact/hooks'
import { bytes } from '../../format.ts'
import { exportal } from '../../service.ts'

interface Stored {
  size: string
  etag: string
}

/** What storage says of a file: its size and its entity tag. */
export function StoredFile({ name, url }: { name: string; url: string | null }) {
  const [stored, setStored] = useState<Stored | string | null>(null)
  useEffect(() => {
    if (!url) return
    const stop = new AbortController()
    fetch(exportal.absolute(url), { method: 'HEAD', signal: stop.signal }).then(
      ({ ok, status, headers }) => {
        const size = bytes(Number(headers.get('Content-Length')))
        if (ok) setStored({ size, etag: headers.get('ETag') ?? '–' })
        // Only this says that there is no such file; an address may have expired, or storage be away.
        else setStored(status === 404 ? 'not in storage' : `not known, the service answered ${status}`)
      },
      // Left, or out of reach: nothing is said about the file.
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
