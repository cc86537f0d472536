/** The sign-in: by Cloudflare Access if available, else by a token that is typed in. */
import { useEffect, useState } from 'preact/hooks'
import { signIn, signInByAccess } from './session.ts'

/** @param again repeats the refused request */
export function SignIn({ again }: { again?: (() => void) | undefined }) {
  const [asksAccess, setAsksAccess] = useState(location.pathname.startsWith('/admin'))
  const goOn = again ?? (() => location.reload())
  useEffect(() => {
    if (asksAccess) void signInByAccess().then((done) => (done ? goOn() : setAsksAccess(false)))
  }, [])
  return asksAccess ? <p class="muted">Signing in…</p> : <TokenForm goOn={goOn} />
}

/** The token stays in this tab, and out of its address. */
function TokenForm({ goOn }: { goOn: () => void }) {
  const [token, setToken] = useState('')
  const submit = (event: Event) => {
    event.preventDefault()
    signIn(token.trim())
    goOn()
  }
  return (
    <form class="token-form" onSubmit={submit}>
      <label>
        Access token
        <input
          type="password"
          autocomplete="off"
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="primary">
        Use it
      </button>
    </form>
  )
}
