/** The service behind meters: the deployed bundle, with what it is given wrapped, and nothing of its own changed. */
import worker, { ExportJob as Deployed } from 'exportal'
import { AlarmByHand, control, meterEnv, meterIsolate, tally } from './tally.ts'

export { Upload } from 'exportal'

meterIsolate()

export class ExportJob extends Deployed {
  readonly #alarm: AlarmByHand

  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    const alarm = new AlarmByHand(ctx.storage)
    super(ctx, meterEnv(env, 'actor'))
    this.#alarm = alarm
  }

  ring(): Promise<number | null> {
    return this.#alarm.ring(() => this.alarm())
  }
}

interface Env {
  EXPORT_JOB: DurableObjectNamespace<ExportJob>
}

export default {
  async fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const own = await control(request, (job) => env.EXPORT_JOB.getByName(job).ring())
    if (own) return own
    tally.workerRequests++
    return worker.fetch(request, meterEnv(env, 'worker'), ctx)
  },
}
