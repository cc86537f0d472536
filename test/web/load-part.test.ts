import { describe, expect, test } from 'vitest'
import { loadPart, type Tab } from '../../web/src/ui/load-part.ts'

const GONE = new TypeError('Failed to fetch dynamically imported module')
const gone = () => Promise.reject(GONE)

/** A tab across its reloads: its storage outlives them. */
class FakeTab implements Tab {
  readonly kept = new Map<string, string>()
  reloads = 0
  there = true
  stores = true

  storage() {
    if (!this.stores) throw new Error('SecurityError')
    return {
      getItem: (name: string) => this.kept.get(name) ?? null,
      setItem: (name: string, value: string) => void this.kept.set(name, value),
      removeItem: (name: string) => void this.kept.delete(name),
    }
  }
  reload() {
    this.reloads += 1
  }
  async pageIsThere() {
    return this.there
  }
}

/** The outcome once everything under way has settled. */
async function outcomeOf(part: Promise<unknown>): Promise<unknown> {
  const settled = part.catch((error: unknown) => error)
  const idle = new Promise((resolve) => setImmediate(resolve, 'open'))
  return Promise.race([settled, idle])
}

describe('a part that is gone since the last deploy', () => {
  test('has the page loaded anew once, and then says what to do', async () => {
    const tab = new FakeTab()
    expect(await outcomeOf(loadPart('admin', gone, tab))).toBe('open')
    expect(tab.reloads).toBe(1)
    for (let again = 0; again < 3; again++) {
      expect(String(await outcomeOf(loadPart('admin', gone, tab)))).toContain('try again in a moment')
    }
    expect(tab.reloads).toBe(1)
  })

  test('has its own one time, whatever other parts came meanwhile: nothing loops', async () => {
    const tab = new FakeTab()
    for (let visits = 0; visits < 5; visits++) {
      expect(await loadPart('uploader', async () => 'here', tab)).toBe('here')
      await outcomeOf(loadPart('admin', gone, tab))
    }
    expect(tab.reloads).toBe(1)
  })

  test('has it again after the next deploy, if it came in between', async () => {
    const tab = new FakeTab()
    await outcomeOf(loadPart('admin', gone, tab))
    await loadPart('admin', async () => 'here', tab)
    await outcomeOf(loadPart('admin', gone, tab))
    expect(tab.reloads).toBe(2)
  })

  test('reloads nothing while the service is away, nor where a reload could not be remembered', async () => {
    const away = new FakeTab()
    away.there = false
    expect(await outcomeOf(loadPart('admin', gone, away))).toBe(GONE)
    const forgetful = new FakeTab()
    forgetful.stores = false
    expect(String(await outcomeOf(loadPart('admin', gone, forgetful)))).toContain('try again in a moment')
    expect([away.reloads, forgetful.reloads]).toEqual([0, 0])
  })
})
