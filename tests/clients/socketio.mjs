// One person's application over socket.io-client: `node socketio.mjs '{"url", "path"?, "token"?, "transports"?}'`.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { io } from 'socket.io-client'
import { obey, tell } from './lines.mjs'

const { url, path, token, transports = ['websocket'] } = JSON.parse(process.argv[2])

// Its package.json cannot be imported by its name, but stands above what can.
const main = createRequire(import.meta.url).resolve('socket.io-client')
const { version } = JSON.parse(readFileSync(main.replace(/\/build\/.*/, '/package.json')))
tell('versions', { runtime: `Node ${process.version}`, library: 'socket.io-client', version })

const socket = io(url, {
  ...(path && { path }),
  transports,
  auth: { token },
  // Its own patience, a second and more, would be most of the test.
  reconnectionDelay: 50,
  reconnectionDelayMax: 250,
})
socket.on('connect', () => tell('connect'))
socket.on('connect_error', ({ message, data, context }) => {
  tell('connect_error', { message, data, answer: context?.responseText, active: socket.active })
})
socket.on('disconnect', (reason) => tell('disconnect', { reason, active: socket.active }))
socket.onAny((event, payload, about) => tell('event', { event, payload, ...about }))

await obey({ emit })
process.exit(0)

async function emit({ event, args }) {
  tell('answered', await socket.timeout(10_000).emitWithAck(event, ...args))
}
