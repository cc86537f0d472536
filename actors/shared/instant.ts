/** Parses instants in requests, the only place that does; answers are formatted by `iso`. */

/**
 * date-time of RFC 3339, 5.6: `T` and `Z` in either case, any number of fractional digits, an offset with hours and
 * minutes. Other forms of ISO 8601 (`24:00`, `+05`, a comma, a space) are not accepted.
 */
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/i
const MINUTE_MS = 60_000

/**
 * Milliseconds since 1970, rounded down; null for anything but an RFC 3339 date-time: for days that do not exist, for a
 * leap second elsewhere than at the end of a month in UTC (5.7), and for instants whose year in UTC does not have four
 * digits. A leap second is the first instant of the next minute.
 */
export function instantOf(text: string): number | null {
  const match = DATE_TIME.exec(text)
  if (!match) return null
  const [
    ,
    year,
    month,
    day,
    hour,
    minute,
    second,
    fraction = '',
    sign,
    offsetHour = '0',
    offsetMinute = '0',
  ] = match
  const leap = second === '60'
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > (leap ? 60 : 59)) return null
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null
  // The one format that every engine parses alike (ECMA-262, Date Time String Format); 31 April becomes 1 May.
  const midnight = new Date(`${year}-${month}-${day}T00:00:00.000Z`)
  if (Number.isNaN(midnight.getTime()) || midnight.getUTCDate() !== Number(day)) return null
  const offset = (sign === '-' ? -1 : 1) * (Number(offsetHour) * 60 + Number(offsetMinute))
  const minutes = Number(hour) * 60 + Number(minute) - offset
  const ms = Number(second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
  const at = midnight.getTime() + minutes * MINUTE_MS + ms
  if (leap && !isStartOfMonth(at - (ms % 1000))) return null
  return at >= FIRST && at < END ? at : null
}

const FIRST = Date.parse('0000-01-01T00:00:00.000Z')
const END = Date.parse('9999-12-31T23:59:59.999Z') + 1

function isStartOfMonth(at: number): boolean {
  return at % (24 * 60 * MINUTE_MS) === 0 && new Date(at).getUTCDate() === 1
}
