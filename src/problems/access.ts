/** Problems of authentication and authorization. */
import type { ProblemEntry } from './entry.ts'

export const ACCESS_PROBLEMS = {
  unauthorized: {
    statuses: [401],
    cause:
      'The request carries no access token. Only in development is none needed, on the computer itself: by a page of loopback, or by what is no browser, and through no proxy.',
    remedy: 'Send `Authorization: Bearer <token>`.',
  },
  token_missing: {
    statuses: [401],
    cause: 'A GPU worker reported without the callback token of its attempt.',
    remedy: 'Send the `callback_token` of the job input as `Authorization: Bearer <callback_token>`.',
  },
  token_invalid: {
    statuses: [401],
    cause: 'The token was not made by this deployment, was changed, or is meant for something else.',
    remedy: 'Ask whoever runs the deployment for a token; after a change of secrets old ones stop working.',
  },
  token_expired: {
    statuses: [401],
    cause: 'The token was valid, and its time is over.',
    remedy: 'Get a new token. A worker whose callback token has expired should stop: its attempt is over.',
  },
  token_misplaced: {
    statuses: [400],
    cause: 'The token stands in the query of an address that takes none there, or was sent twice.',
    remedy:
      'Send it once, as `Authorization: Bearer <token>`; only sockets, event logs and downloads take `?token=`.',
  },
  access_not_configured: {
    statuses: [404],
    cause: 'This deployment has no Cloudflare Access in front of its operators’ pages.',
    remedy: 'Sign in with an access token, or set `ACCESS_TEAM_DOMAIN` and `ACCESS_AUD`.',
  },
  assertion_missing: {
    statuses: [401],
    cause: 'The request has not come through Cloudflare Access.',
    remedy:
      'Open `/admin` in a browser and sign in; `/api/admin/*` must belong to the same Access application.',
  },
  assertion_invalid: {
    statuses: [401],
    cause: 'The assertion of Cloudflare Access is of another team or application, or was changed.',
    remedy: 'Compare `ACCESS_TEAM_DOMAIN` and `ACCESS_AUD` with the application’s overview.',
  },
  assertion_expired: {
    statuses: [401],
    cause: 'The visit that Cloudflare Access let in is over.',
    remedy: 'Load the page again, and sign in.',
  },
  no_operator: {
    statuses: [403],
    cause: 'Cloudflare Access let the visitor in, and `ACCESS_ADMINS` does not name their address of email.',
    remedy: 'Have the address added to `ACCESS_ADMINS`. A machine uses an access token.',
  },
  access_unavailable: {
    statuses: [503],
    cause: 'The keys of Cloudflare Access could not be read.',
    remedy: 'Try again; if it stays so, compare `ACCESS_TEAM_DOMAIN` with the team’s domain.',
  },
  scope_missing: {
    statuses: [403],
    cause: 'The token is valid, but lacks the scope that this needs.',
    remedy: 'Use a token with the scope that `detail` names.',
  },
  cross_origin: {
    statuses: [403],
    cause: 'An operator’s action without a token came from a page of another origin.',
    remedy: 'Send a bearer token, or act from the pages of this deployment.',
  },
  project_forbidden: {
    statuses: [403],
    cause: 'The token is confined to another project than the one that is named.',
    remedy: 'Name the project of the token, or use a token of that project.',
  },
  job_token_only: {
    statuses: [403],
    cause: 'The token is confined to one job, and opens nothing else.',
    remedy: 'Use a token of the project for lists, for new jobs and for uploads.',
  },
  signature_missing: {
    statuses: [401],
    cause: 'The address works only with its signature, and came without.',
    remedy: 'Use the whole URL that was given out, query included.',
  },
  signature_invalid: {
    statuses: [403],
    cause: 'The signature does not belong to this address.',
    remedy: 'Use the URL exactly as it was given out: method, path and every parameter are signed.',
  },
  signature_expired: {
    statuses: [403],
    cause: 'The signed URL was valid, and its time is over.',
    remedy: 'Ask for a new one; a job that is read again carries fresh URLs.',
  },
} as const satisfies Record<string, ProblemEntry>
