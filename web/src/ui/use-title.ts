import { useEffect } from 'preact/hooks'

/** Sets the title of the tab while this component is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Exportal`
    return () => {
      document.title = 'Exportal'
    }
  }, [title])
}
