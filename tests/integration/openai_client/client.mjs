// SPDX-License-Identifier: Apache-2.0
// What mock_openai_test.sh asks of the server at the URL in argv.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "key", maxRetries: 0 });
const ask = { model: "m", messages: [{ role: "user", content: "say a few words" }] };

const models = await client.models.list();
assert.equal(models.data[0].id, "mock-model");

const whole = await client.chat.completions.create(ask);
const message = whole.choices[0].message;
assert.equal(message.content.split(" ").length, 40);
assert.equal(whole.usage.prompt_tokens, 4);

const stream = await client.chat.completions.create(
  { ...ask, stream: true, stream_options: { include_usage: true } });
let text = "", usage = null, finish = null;
for await (const chunk of stream) {
  text += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}
assert.equal(text, message.content);
assert.equal(finish, "tool_calls");
assert.deepEqual(usage, whole.usage);

const helper = client.chat.completions.stream(ask);
const final = await helper.finalChatCompletion();
assert.equal(final.choices[0].message.content, text);
assert.deepEqual(final.choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments)),
  [{ city: "Paris", days: 3 }, { city: "Paris", days: 3 }]);

const completion = await client.completions.create({ model: "m", prompt: "a b", max_tokens: 7 });
assert.equal(completion.choices[0].text.split(" ").length, 7);
assert.equal(completion.choices[0].finish_reason, "length");

const wrong = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "no", maxRetries: 0 });
await assert.rejects(wrong.chat.completions.create(ask), OpenAI.AuthenticationError);
await assert.rejects(client.chat.completions.create({ ...ask, max_tokens: 0 }),
  (error) => error instanceof OpenAI.BadRequestError && error.param === "max_tokens");

const cancelled = await client.chat.completions.create({ ...ask, stream: true });
for await (const chunk of cancelled) { assert.ok(chunk.id); break; }
