"""One person's application by realtime-py: python client.py '{"url", "token"}'.

One JSON object per line: what happened goes out on standard output, what to do comes in on standard input.
"""

import asyncio
import importlib.metadata
import json
import platform
import sys
import time

from realtime import AsyncRealtimeClient
from realtime.types import (
    ChannelEvents,
    RealtimeAcknowledgementStatus,
    RealtimePostgresChangesListenEvent,
)


def tell(kind, /, **fields):
    print(json.dumps({"type": kind, **fields}), flush=True)


class Application:
    def __init__(self, url, token, **_options_of_other_libraries):
        # The library gives up after five tries, which is 15 s: too soon where the whole suite runs on two cores.
        self.client = AsyncRealtimeClient(f"{url.replace('http', 'ws')}/realtime/v1", token, max_retries=10)
        self.channels = {}

    async def join(self, topic, ack=True, resume="none", after=0, changes=(), own=False, presence=False):
        broadcast = {"ack": ack, "self": own}
        if resume == "after_seq":
            broadcast["replay"] = {"after_seq": after}
        elif resume == "since":
            broadcast["replay"] = {"since": int(time.time() * 1000), "limit": 1000}
        channel = self.client.channel(
            topic, {"config": {"broadcast": broadcast, "presence": {"key": "", "enabled": False}, "private": True}}
        )
        self.channels[topic] = channel
        channel.on_broadcast("*", lambda heard: tell("event", topic=topic, **heard))

        def on_change(heard):
            data = heard["data"]
            tell(
                "change",
                topic=topic,
                change={
                    "eventType": data["type"],
                    "new": data.get("record"),
                    "old": data.get("old_record"),
                },
            )

        for binding in changes:
            event = RealtimePostgresChangesListenEvent(binding["event"])
            channel.on_postgres_changes(
                event, on_change, binding.get("table"), binding.get("schema"), binding.get("filter")
            )

        def on_seen(kind):
            return lambda key, _before, metas: tell("presence", topic=topic, kind=kind, key=key, metas=metas)

        if presence:
            channel.on_presence_sync(
                lambda: tell("presence", topic=topic, kind="sync", state=channel.presence_state())
            )
            channel.on_presence_join(on_seen("join"))
            channel.on_presence_leave(on_seen("leave"))

        def on_status(status, error):
            tell("status", topic=topic, status=status.value, error=str(error) if error else None)

        await channel.subscribe(on_status)

    async def send(self, topic, event, payload, id):
        push = await self.channels[topic].push(
            ChannelEvents.broadcast, {"type": "broadcast", "event": event, "payload": payload}
        )
        for status in RealtimeAcknowledgementStatus:
            push.receive(status, lambda *_, status=status: tell("sent", id=id, status=status.value))

    async def httpSend(self, topic, event, payload, id):
        try:
            await self.client.channel(topic, {"config": {"private": True}}).http_send(event, payload)
            tell("sent", id=id, status="ok")
        except Exception as error:
            tell("sent", id=id, status="error", response=str(error))

    async def command(self, topic, name, payload, id):
        await self.send(topic, name, payload, id)

    async def renew(self, token):
        await self.client.set_auth(token)
        tell("renewed")

    # The library does not say how these were answered.
    async def track(self, topic, payload):
        await self.channels[topic].track(payload)
        tell("tracked", status="ok")

    async def untrack(self, topic):
        await self.channels[topic].untrack()
        tell("tracked", status="ok")

    async def leave(self, topic):
        await self.client.remove_channel(self.channels.pop(topic))
        tell("left", topic=topic)


async def main():
    application = Application(**json.loads(sys.argv[1]))
    tell(
        "versions",
        runtime=f"Python {platform.python_version()}",
        library="realtime",
        version=importlib.metadata.version("realtime"),
    )
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        fields = json.loads(line)
        await getattr(application, fields.pop("order"))(**fields)


asyncio.run(main())
