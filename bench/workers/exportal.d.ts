/** The deployed bundle, as far as the bench wraps it, without its types. */
declare module 'exportal' {
  import { DurableObject } from 'cloudflare:workers'

  export class ExportJob extends DurableObject<Record<string, unknown>> {
    override alarm(): Promise<void>
    override fetch(request: Request): Promise<Response>
  }
  export class Lane extends DurableObject<Record<string, unknown>> {
    override alarm(): Promise<void>
  }
  export class Upload extends DurableObject<Record<string, unknown>> {}
  const worker: { fetch(request: Request, env: object, ctx: ExecutionContext): Promise<Response> }
  export default worker
}
