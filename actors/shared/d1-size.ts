/** The size limit of the database. (Cloudflare, D1 limits: 10 GB a database on Workers Paid.) */

/** At this size D1 accepts no more rows. */
export const D1_LIMIT_BYTES = 10_000_000_000

/** Whether an operator should act: at 80 % of the limit. */
export function isNearD1Limit(bytes: number): boolean {
  return bytes >= D1_LIMIT_BYTES * 0.8
}
