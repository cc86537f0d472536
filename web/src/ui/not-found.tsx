import { Link } from '../router.tsx'

export function NotFound() {
  return (
    <section class="empty">
      <h1>There is no page here</h1>
      <p>
        The address may be mistyped. Everything begins in <Link to="/">the studio</Link>.
      </p>
    </section>
  )
}
