/** Types that tell of trouble, as the service's own filter has them; `test/http/admin-trouble.test.ts` compares the two. */
export const TROUBLE: ReadonlySet<string> = new Set([
  'attempt_failed',
  'error',
  'force_failed',
  'dispatch_ambiguous',
  'cancel_unconfirmed',
  'late_report',
  'wakes_throttled',
  'webhook_failed',
  'webhook_given_up',
  'webhook_refused',
])
