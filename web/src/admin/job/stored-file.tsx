import { useEffect, useState } from 'preact/hooks'
import { bytes } from '../../format.ts'
import { exportal } from '../../service.ts'

interface Stored {
  size: string
  etag: string
}

/** What storage says of a file: its size and its entity tag. */
export function StoredFile({ name, url }: { name: string; url: string | null }) {
  const [stored, setStored] = useState<Stored | 'gone' | null>(null)
  useEffect(() => {
    if (!url) return
    const stop = new AbortController()
    fetch(exportal.absolute(url), { method: 'HEAD', signal: stop.signal }).then(
      ({ ok, headers }) => {
        const size = bytes(Number(headers.get('Content-Length')))
        setStored(ok ? { size, etag: headers.get('ETag') ?? '–' } : 'gone')
      },
      // Left, or out of reach: nothing is said about the file.
      () => {},
    )
    return () => stop.abort()
  }, [url])
  return (
    <p class="stored muted small">
      {name}: {url === null ? 'none' : stored === null ? '…' : stored === 'gone' ? 'not in storage' : ''}
      {stored !== null && stored !== 'gone' && (
        <>
          {stored.size}, ETag <span class="mono">{stored.etag}</span>
        </>
      )}
    </p>
  )
}
