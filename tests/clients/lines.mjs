// One JSON object per line: what happened goes out on standard output, what to do comes in on standard input.

import readline from 'node:readline'

export function tell(type, fields = {}) {
  process.stdout.write(`${JSON.stringify({ type, ...fields })}\n`)
}

// Calls `orders[name](fields)` for each line, in turn. Ends with standard input: the test is over.
export async function obey(orders) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { order, ...fields } = JSON.parse(line)
    await orders[order](fields)
  }
}
