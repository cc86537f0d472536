/** Which page stands at an address. Pure. */

export type Page =
  | { name: 'studio' }
  | { name: 'job'; id: string }
  | { name: 'all-jobs' }
  | { name: 'inspector'; id: string }

/** The page at a path; null where there is none, which the service answers with 404 (`src/routes/pages.ts`). */
export function pageAt(path: string): Page | null {
  if (path === '/') return { name: 'studio' }
  if (/^\/admin\/*$/.test(path)) return { name: 'all-jobs' }
  const [, admin, text = ''] = /^(\/admin)?\/jobs\/([^/]+)\/*$/.exec(path) ?? []
  const id = decoded(text)
  if (!id) return null
  return { name: admin ? 'inspector' : 'job', id }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    // An escape sequence that is none: no id of a job.
    return null
  }
}
