/** Line icons on a 20 by 20 grid, drawn for these pages. Always beside text or inside a labelled element. */
const PATHS = {
  logo: 'M4 6h12M4 6h7M10 10v7m0 0-3-3m3 3 3-3',
  check: 'm5 10.5 3.5 3.5L15 7',
  cross: 'm6 6 8 8m0-8-8 8',
  download: 'M10 3.5v9m0 0-3.5-3.5M10 12.5 13.5 9M4 16.5h12',
  link: 'M8.5 11.5a3 3 0 0 0 4.2 0l2.4-2.4a3 3 0 0 0-4.2-4.2l-.9.9m1.5 2.7a3 3 0 0 0-4.2 0l-2.4 2.4a3 3 0 0 0 4.2 4.2l.9-.9',
  retry: 'M15.5 10a5.5 5.5 0 1 1-1.7-4M15.5 3.5V7H12',
  undo: 'M4.5 8.5h7a4 4 0 1 1 0 8H9m-1-11-3.5 3L8 11.5',
  redo: 'M15.5 8.5h-7a4 4 0 1 0 0 8H11m1-11 3.5 3-3.5 3',
  edit: 'M4.5 15.5 5 12.6l7.4-7.4 2.4 2.4L7.4 15zM10.8 6.8l2.4 2.4',
  trash: 'M4.5 6h11M8 6V4.5h4V6m-6 0 .6 9.5h6.8L14 6',
  stop: 'M6.5 6.5h7v7h-7z',
  plus: 'M10 4.5v11M4.5 10h11',
  up: 'm5.5 12 4.5-4.5 4.5 4.5',
  down: 'm5.5 8 4.5 4.5 4.5-4.5',
  play: 'M7 5v10l8-5z',
  pause: 'M7.5 5v10M12.5 5v10',
  warn: 'M10 4 3.5 15.5h13zM10 8.5v3.5m0 1.8v.2',
  text: 'M5 5.5V4.5h10v1M10 4.5v11M8 15.5h4',
  image: 'M4 4.5h12v11H4zm0 8.5 3.5-3.5 3 3 2-2L16 14M12.5 7.8v.2',
  clock: 'M10 4a6 6 0 1 1 0 12 6 6 0 0 1 0-12m0 2.8V10l2.3 1.5',
  film: 'M4 4.5h12v11H4zM7 4.5v11m6-11v11M4 10h12',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
