/** Maps addresses to pages. Pure. */

export type Page =
  | { name: 'studio' }
  | { name: 'job'; id: string }
  | { name: 'all-jobs' }
  | { name: 'lanes' }
  | { name: 'inspector'; id: string }

/** The page at a path; null for an unknown one, which the service answers by 404 (`src/service/pages.ts`). */
export function pageAt(path: string): Page | null {
  if (path === '/') return { name: 'studio' }
  if (/^\/admin\/*$/.test(path)) return { name: 'all-jobs' }
  if (/^\/admin\/lanes\/*$/.test(path)) return { name: 'lanes' }
  const [, admin, text = ''] = /^(\/admin)?\/jobs\/([^/]+)\/*$/.exec(path) ?? []
  const id = decoded(text)
  if (!id) return null
  return { name: admin ? 'inspector' : 'job', id }
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    // An invalid escape sequence cannot be part of a job's id.
    return null
  }
}
