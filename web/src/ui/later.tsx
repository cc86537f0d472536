import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { loadPart } from './load-part.ts'
import { Problem } from './problem.tsx'

interface LaterProps<P extends object> {
  /** A unique name of the part. */
  name: string
  load: () => Promise<ComponentType<P>>
  props: P
}

/** A part of the pages that is loaded when first shown. */
export function Later<P extends object>({ name, load, props }: LaterProps<P>) {
  const [loaded, setLoaded] = useState<{ Part: ComponentType<P> } | null>(null)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    loadPart(name, load).then((Part) => setLoaded({ Part }), setError)
  }, [name, load])
  if (loaded) return <loaded.Part {...props} />
  if (error != null) {
    const title = 'This part of the pages could not be loaded'
    return <Problem error={error} title={title} retry={() => location.reload()} />
  }
  return <div class="skeleton" role="status" aria-label="Loading" style={{ height: '12rem' }} />
}
