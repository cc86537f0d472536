/** The plain design with the same metering as the service. It never sets an alarm. */
import { AlarmByHand, control, meterEnv, meterIsolate, tally } from '../../workers/tally.ts'
import worker, { PlainJob as Plain, type PlainEnv } from './index.ts'

meterIsolate()

export class PlainJob extends Plain {
  constructor(ctx: DurableObjectState, env: PlainEnv) {
    new AlarmByHand(ctx.storage)
    super(ctx, meterEnv(env, 'actor'))
  }
}

export default {
  async fetch(request: Request, env: PlainEnv): Promise<Response> {
    const own = await control(request, async () => null)
    if (own) return own
    tally.workerRequests++
    return worker.fetch(request, meterEnv(env, 'worker'))
  },
}
