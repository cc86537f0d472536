/** A database that counts its statements, those of a batch one by one, as D1 may (1,000 in a run of a Worker). */
export function counted(real: D1Database): { db: D1Database; sent: () => number } {
  let sent = 0
  const own = new WeakMap<D1PreparedStatement, D1PreparedStatement>()
  const statement = (of: D1PreparedStatement): D1PreparedStatement => {
    const proxy = new Proxy(of, {
      get(target, name: keyof D1PreparedStatement) {
        if (name === 'bind') return (...values: unknown[]) => statement(target.bind(...values))
        if (name === 'run' || name === 'all' || name === 'first') sent++
        return target[name].bind(target)
      },
    })
    own.set(proxy, of)
    return proxy
  }
  const db = new Proxy(real, {
    get(target, name: keyof D1Database) {
      if (name === 'prepare') return (sql: string) => statement(target.prepare(sql))
      if (name !== 'batch') return target[name].bind(target)
      return (all: D1PreparedStatement[]) => {
        sent += all.length
        return target.batch(all.map((each) => own.get(each) ?? each))
      }
    },
  })
  return { db, sent: () => sent }
}
