// A connection by @supabase/realtime-js, as an application uses it.

import { RealtimeClient } from '@supabase/realtime-js'

export class Connection {
  // Without `vsn` the library's own default speaks: V2. The older protocol stands for older applications, which
  // give their token as API key; newer ones have a publishable key beside it.
  constructor({ url, token, vsn, transport, reconnectAfterMs }) {
    this.token = token
    this.isOld = vsn === '1.0.0'
    this.channels = new Map()
    this.client = new RealtimeClient(`${url.replace('http', 'ws')}/realtime/v1`, {
      params: { apikey: this.isOld ? token : 'sb_publishable_demo' },
      ...(vsn && { vsn }),
      ...(transport && { transport }),
      ...(reconnectAfterMs && { reconnectAfterMs }),
    })
  }

  // `replay` says at each join where to resume: `{after_seq}`, or Supabase's own `{since, limit}`.
  async join(topic, { ack, self, changes, presence, replay }, { onStatus, onEvent, onChange, onPresence }) {
    if (!this.isOld) await this.client.setAuth(this.token)
    const config = { broadcast: { ack, self, replay: replay() }, private: true }
    const channel = this.client.channel(topic, { config })
    this.channels.set(topic, channel)
    channel.on('broadcast', { event: '*' }, (heard) => {
      onEvent(heard)
      this.#moveResume(channel, replay())
    })
    for (const binding of changes) channel.on('postgres_changes', binding, onChange)
    if (presence) {
      channel.on('presence', { event: 'sync' }, () => onPresence({ kind: 'sync', state: channel.presenceState() }))
      channel.on('presence', { event: 'join' }, ({ key, newPresences }) => onPresence({ kind: 'join', key, metas: newPresences }))
      channel.on('presence', { event: 'leave' }, ({ key, leftPresences }) => onPresence({ kind: 'leave', key, metas: leftPresences }))
    }
    channel.subscribe((status, error) => onStatus(status, error?.message))
  }

  isJoined(topic) {
    return this.client.isConnected() && this.channels.get(topic)?.state === 'joined'
  }

  async send(topic, event, payload, timeout, persist) {
    const message = { type: 'broadcast', event, payload, ...(persist && { persist }) }
    return { status: await this.channels.get(topic).send(message, { timeout }) }
  }

  async httpSend(topic, event, payload, options) {
    try {
      const { success } = await this.#unjoined(topic).httpSend(event, payload, options)
      return { status: success ? 'ok' : 'error' }
    } catch (error) {
      return { status: 'error', response: error.message }
    }
  }

  async unjoinedSend(topic, event, payload) {
    return { status: await this.#unjoined(topic).send({ type: 'broadcast', event, payload }) }
  }

  // The library gives the same channel for the same name, joined or not.
  #unjoined(topic) {
    return this.client.channel(topic, { config: { private: true } })
  }

  async track(topic, payload) {
    return { status: await this.channels.get(topic).track(payload) }
  }

  async untrack(topic) {
    return { status: await this.channels.get(topic).untrack() }
  }

  // realtime-js has no other way to push than a broadcast.
  command(topic, name, payload, timeout) {
    return this.send(topic, name, payload, timeout)
  }

  renew(token) {
    return this.client.setAuth(token)
  }

  leave(topic) {
    return this.client.removeChannel(this.channels.get(topic))
  }

  // The library repeats its join as it was first made, unless it is told otherwise; `config` is replaced whole.
  #moveResume(channel, replay) {
    const { broadcast, ...rest } = channel.joinPush.payload().config
    channel.updateJoinPayload({ config: { ...rest, broadcast: { ...broadcast, replay } } })
  }
}
