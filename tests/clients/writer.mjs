// Sends messages one after the other, as a phone on a bad network does: each again under the same
// client_message_id until it is acknowledged.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

const ANSWER_WITHIN_MS = 5000
const PAUSE_AFTER_REFUSAL_MS = 100

export async function write(connection, room, { topic, clientId, label, count }, onAcknowledged) {
  const tries = { sent: 0, lost: 0, refusals: [] }
  for (let number = 1; number <= count; number += 1) {
    const message = { client_id: clientId, content: `${label} ${number}`, client_message_id: randomUUID() }
    await deliver(connection, room, topic, message, tries)
    onAcknowledged(number)
  }
  return tries
}

async function deliver(connection, room, topic, message, tries) {
  for (;;) {
    await room.joined()
    // Between a loss and its notice the library would turn to HTTP: wait for the notice instead.
    if (!connection.isJoined(topic)) {
      await pause(10)
      continue
    }
    tries.sent += 1
    const answer = connection.command(topic, 'messaging:send', message, ANSWER_WITHIN_MS)
    const { status, response } = await Promise.race([answer, room.dropped()])
    if (status === 'ok') return
    if (status === 'error') {
      tries.refusals.push(response ?? 'without a reason')
      await pause(PAUSE_AFTER_REFUSAL_MS)
    } else {
      tries.lost += 1
    }
  }
}
