import { useId, useState } from 'preact/hooks'

/** An alternative to a file: the URL of an external video. The service validates it when the export is created. */
export function AddressField({ onAddress }: { onAddress: (url: string) => void }) {
  const [text, setText] = useState('')
  const id = useId()
  const submit = (event: Event) => {
    event.preventDefault()
    const url = text.trim()
    if (URL.canParse(url)) onAddress(url)
  }
  return (
    <form class="address" onSubmit={submit}>
      <label for={id}>Or the address of a video</label>
      <input
        id={id}
        type="url"
        required
        maxLength={4096}
        placeholder="https://…"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button type="submit">Use it</button>
    </form>
  )
}
