/**
 * Verbs with positional arguments, for a Worker of the previous release, which may call them during a deploy. None
 * names the project that its caller is confined to: that Worker has checked it before.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ActorEnv } from '../shared/env.ts'
import type { Command } from './core/events.ts'
import type { Ask, CommandAnswer } from './rpc.ts'

export abstract class FormerVerbs extends DurableObject<ActorEnv> {
  abstract command(command: Command, ask: Ask, version?: number | null): Promise<CommandAnswer>
  abstract revive(): Promise<{ found: boolean }>

  async cancel(by: string, requestId: string | null = null): Promise<CommandAnswer> {
    return this.command({ type: 'cancel', by }, fromAnywhere(requestId))
  }

  async retry(by: string, version: number | null = null, requestId: string | null = null) {
    return this.command({ type: 'retry', by }, fromAnywhere(requestId), version)
  }

  async remove(by: string, version: number | null = null, requestId: string | null = null) {
    return this.command({ type: 'delete', by }, fromAnywhere(requestId), version)
  }

  async redeliver(id: string, by: string, requestId: string | null = null): Promise<CommandAnswer> {
    return this.command({ type: 'redeliver', id, by }, fromAnywhere(requestId))
  }

  async intervene(command: Command, requestId: string | null = null): Promise<CommandAnswer> {
    return this.command(command, fromAnywhere(requestId))
  }

  async heal(): Promise<{ found: boolean }> {
    return this.revive()
  }
}

function fromAnywhere(requestId: string | null): Ask {
  return { projectId: null, ifMatch: null, requestId }
}
