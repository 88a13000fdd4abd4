// What an application keeps of a room: the messages it heard, and where to resume.

export class Room {
  #waiting = []
  #dropped = []

  constructor({ resume, after = 0 }) {
    this.head = after
    this.messages = []
    this.repeats = 0
    this.holes = 0
    this.replayed = 0
    const began = Date.now()
    const ways = {
      after_seq: () => ({ after_seq: this.head }),
      since: () => ({ since: began, limit: 1000 }),
      none: () => undefined,
    }
    this.replay = ways[resume ?? 'none']
  }

  onStatus(status) {
    this.isJoined = status === 'SUBSCRIBED'
    for (const wake of (this.isJoined ? this.#waiting : this.#dropped).splice(0)) wake({ status: 'dropped' })
  }

  onEvent({ event, payload, meta }) {
    if (!meta?.seq) return
    if (meta.seq <= this.head) {
      this.repeats += 1
      return
    }
    if (meta.seq > this.head + 1) this.holes += 1
    if (meta.replayed) this.replayed += 1
    this.head = meta.seq
    if (event === 'messaging:new') this.messages.push(payload.message)
  }

  joined() {
    return this.isJoined ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  dropped() {
    return new Promise((resolve) => this.#dropped.push(resolve))
  }
}
