import { Fragment } from 'preact'

/**
 * A name or text that somebody else chose, within one of our own. Letters from right to left and control characters
 * would otherwise move the words around it.
 */
export function Name({ children }: { children: string }) {
  return <bdi>{children}</bdi>
}

export function Names({ children }: { children: readonly string[] }) {
  return children.map((name, nth) => (
    <Fragment key={name}>
      {nth > 0 && ', '}
      <Name>{name}</Name>
    </Fragment>
  ))
}
