import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Problem } from './problem.tsx'

interface LaterProps<P extends object> {
  load: () => Promise<ComponentType<P>>
  props: P
}

/** A part of the pages that is loaded when it is first shown. */
export function Later<P extends object>({ load, props }: LaterProps<P>) {
  const [loaded, setLoaded] = useState<{ Part: ComponentType<P> } | null>(null)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    load().then((Part) => setLoaded({ Part }), setError)
  }, [load])
  if (loaded) return <loaded.Part {...props} />
  if (error != null) return <Problem error={error} title="This part of the pages could not be loaded" />
  return <div class="skeleton" role="status" aria-label="Loading" style={{ height: '12rem' }} />
}
