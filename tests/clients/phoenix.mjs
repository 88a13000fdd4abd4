// A connection by phoenix.js, as an application uses it.

import { Presence, Socket } from 'phoenix'

export class Connection {
  constructor({ url, token, transport, reconnectAfterMs }) {
    this.token = token
    this.channels = new Map()
    this.socket = new Socket(`${url.replace('http', 'ws')}/socket`, {
      ...(transport && { transport }),
      ...(reconnectAfterMs && { reconnectAfterMs }),
    })
    this.socket.connect()
  }

  // The library asks for the join's payload anew at every join.
  async join(topic, { ack, self, changes, presence, replay }, { onStatus, onEvent, onChange, onPresence }) {
    const config = () => ({ broadcast: { ack, self, replay: replay() }, postgres_changes: changes, ...(presence && { presence: { enabled: true } }) })
    const payload = () => ({ access_token: this.token, config: config() })
    const channel = this.socket.channel(topic, payload)
    this.channels.set(topic, channel)
    channel.on('broadcast', onEvent)
    channel.on('postgres_changes', ({ data }) => onChange({ eventType: data.type, new: data.record, old: data.old_record }))
    if (presence) {
      const seen = new Presence(channel)
      seen.onSync(() => onPresence({ kind: 'sync', state: Object.fromEntries(seen.list((key, { metas }) => [key, metas])) }))
      seen.onJoin((key, _before, { metas }) => onPresence({ kind: 'join', key, metas }))
      seen.onLeave((key, _left, { metas }) => onPresence({ kind: 'leave', key, metas }))
    }
    channel.onClose(() => onStatus('CLOSED'))
    channel.onError((reason) => onStatus('CHANNEL_ERROR', JSON.stringify(reason)))
    channel
      .join()
      .receive('ok', (response) => onStatus('SUBSCRIBED', undefined, response))
      .receive('error', (response) => onStatus('CHANNEL_ERROR', response.reason))
      .receive('timeout', () => onStatus('TIMED_OUT'))
  }

  isJoined(topic) {
    return this.socket.isConnected() && this.channels.get(topic)?.state === 'joined'
  }

  send(topic, event, payload, timeout) {
    return this.command(topic, 'broadcast', { type: 'broadcast', event, payload }, timeout)
  }

  track(topic, payload) {
    return this.command(topic, 'presence', { type: 'presence', event: 'track', payload })
  }

  untrack(topic) {
    return this.command(topic, 'presence', { type: 'presence', event: 'untrack' })
  }

  command(topic, name, payload, timeout) {
    return new Promise((resolve) => {
      this.channels
        .get(topic)
        .push(name, payload, timeout)
        .receive('ok', (response) => resolve({ status: 'ok', response }))
        .receive('error', (response) => resolve({ status: 'error', response }))
        .receive('timeout', () => resolve({ status: 'timed out' }))
    })
  }

  async renew(token) {
    this.token = token
    for (const channel of this.channels.values()) channel.push('access_token', { access_token: token })
  }

  leave(topic) {
    return new Promise((resolve) => this.channels.get(topic).leave().receive('ok', resolve))
  }
}
