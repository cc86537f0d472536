/** The two functions of React that react.ts uses, so that it is checked without React being installed. */
declare module 'react' {
  export function useMemo<T>(factory: () => T, deps: readonly unknown[]): T
  export function useSyncExternalStore<T>(
    subscribe: (listener: () => void) => () => void,
    getSnapshot: () => T,
    getServerSnapshot?: () => T,
  ): T
}
