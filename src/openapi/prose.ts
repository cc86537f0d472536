/** The general sections of the document, which belong to no single route. */

export const INFO = {
  title: 'Exportal',
  summary: 'Self-hosted control plane for GPU video exports.',
  description: `Upload a video, ask for an export, watch its progress, download the result.

JSON in snake_case, instants in RFC 3339: UTC in answers, with any offset in requests. Whole numbers beyond 2^53 - 1 are refused, since JSON parsers change them: send them as text. Ids are read in either case. Every GET answers HEAD as well. Refusals are problem details (RFC 9457) with a stable \`code\`; their \`type\` leads to an explanation. What is not known to this version may be added to answers: ignore it.

Tokens are sent as \`Authorization: Bearer\`. Only on a developer's own computer is none needed. Whatever may be repeated without harm is said to be; POST /api/jobs may be with an \`Idempotency-Key\`.`,
  license: { name: 'MIT', identifier: 'MIT' },
}

export const TAGS = [
  { name: 'Jobs', description: 'Exports: created, watched, commanded.' },
  { name: 'Videos', description: 'Files in one piece, up and down.' },
  {
    name: 'Uploads in parts',
    description: 'Large files, as Uppy’s Companion speaks: `@uppy/aws-s3` works with it.',
  },
  { name: 'Reports', description: 'For GPU workers, and RunPod itself.' },
  { name: 'Operation', description: 'For operators: one job opened up, acted on, and figures over all.' },
  { name: 'Service', description: 'The deployment, its types of job and its tokens.' },
]

export const SECURITY_SCHEMES = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'An access token, from `npm run token` or POST /api/tokens. Its scopes: jobs:read, jobs:write, videos:write, metrics:read; admin implies them all. It may be confined to a project or a job.',
  },
  queryToken: {
    type: 'apiKey',
    in: 'query',
    name: 'token',
    description:
      'The same, for sockets, event streams and downloads, which a browser opens without headers. A socket had better offer it as a subprotocol, `exportal.bearer.<token>` beside `exportal.v1`: an address is kept in logs.',
  },
  callbackToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The `callback_token` in the input of a RunPod job: for reports of this one attempt.',
  },
  accessAssertion: {
    type: 'apiKey',
    in: 'header',
    name: 'Cf-Access-Jwt-Assertion',
    description: 'What Cloudflare Access adds to a request that it lets through.',
  },
  signature: { type: 'apiKey', in: 'query', name: 'sig', description: 'Part of a URL that was given out.' },
  expiry: { type: 'apiKey', in: 'query', name: 'exp', description: 'Part of a URL that was given out.' },
}
