/** The service without dispatch: every alarm is written normally, but fires an hour later. */
import worker, { ExportJob as Deployed } from 'exportal'

export { Lane, Upload } from 'exportal'
export default worker

const HELD_MS = 3_600_000

export class ExportJob extends Deployed {
  constructor(ctx: DurableObjectState, env: Record<string, unknown>) {
    const { storage } = ctx
    const setAlarm = storage.setAlarm.bind(storage)
    storage.setAlarm = (at, options) => setAlarm(Number(at) + HELD_MS, options)
    super(ctx, env)
  }
}
