/** The service with metering: the deployed bundle unchanged, with its bindings wrapped. */
import worker, { ExportJob as Deployed, Lane as DeployedLane } from 'exportal'
import { AlarmByHand, control, meterEnv, meterIsolate, tally } from './tally.ts'

export { Upload } from 'exportal'

meterIsolate()

/** The lane's answers to a job as if there were no lanes, without calls. */
const NO_LANE = { getByName: () => ({ ask: async () => ({ kind: 'granted', tellOutcome: false }) }) }

export class ExportJob extends Deployed {
  readonly #alarm: AlarmByHand

  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    const alarm = new AlarmByHand(ctx.storage)
    super(ctx, meterEnv(env.NO_LANE ? { ...env, LANE: NO_LANE } : env, 'actor'))
    this.#alarm = alarm
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    tally.messagesReceived++
    await super.webSocketMessage?.(socket, message)
  }

  ring(): Promise<number | null> {
    return this.#alarm.ring(() => this.alarm())
  }
}

/** Counted, and with an alarm that does not fire: while a single job waits, there is no lost place for it to find. */
export class Lane extends DeployedLane {
  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    new AlarmByHand(ctx.storage)
    super(ctx, meterEnv(env, 'actor'))
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
