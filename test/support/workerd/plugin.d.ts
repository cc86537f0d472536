/** What the plugin of the tests has for itself. */
declare module 'cloudflare:test-internal' {
  export function maybeHandleRunRequest(action: RequestInit, instance: null): Promise<Response>
}
