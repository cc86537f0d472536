/** The two functions of React that react.ts uses, so that it can be type-checked without React. */
declare module 'react' {
  export function useMemo<T>(factory: () => T, deps: readonly unknown[]): T
  export function useSyncExternalStore<T>(
    subscribe: (listener: () => void) => () => void,
    getSnapshot: () => T,
    getServerSnapshot?: () => T,
  ): T
}
