import { describe, expect, it } from "vitest";
import { beginning, fold, type Look, readError, readTask, type TaskReading, type Verdict, type Watch } from "./task.ts";

const reply = (status: number, more: Partial<Extract<Look, { kind: "reply" }>> = {}): Look => ({
  kind: "reply",
  status,
  ...more,
});
const task = (state: string, status?: string, messages: readonly string[] = []): { readonly task: TaskReading } => ({
  task: { state, status, messages },
});
const refused: Look = { kind: "fault", code: "connect_failed" };

/** What a row of looks comes to: the verdicts that were not `poll`, of which the last ends it. */
function run(looks: readonly Look[], { staged = false, known = false } = {}): readonly Verdict["kind"][] {
  let watch: Watch = beginning;
  const verdicts: Verdict["kind"][] = [];
  for (const look of looks) {
    const [next, verdict] = fold(watch, look, { staged, task: known });
    watch = next;
    if (verdict.kind !== "poll") verdicts.push(verdict.kind);
  }
  return verdicts;
}

describe("the verdict of a task", () => {
  it.each<readonly [what: string, looks: readonly Look[], verdicts: readonly Verdict["kind"][]]>([
    ["202 is under way", [reply(202), reply(202, task("Running"))], []],
    ["202 with a Task that has ended, has ended", [reply(202, task("Completed", "OK"))], ["installed"]],
    ["the operation's own answer is the end", [reply(202), reply(200)], ["installed"]],
    ["204 is the end", [reply(204)], ["installed"]],
    ["404 is no end, and no failure", [reply(202), reply(404)], ["lost"]],
    ["410 likewise", [reply(410)], ["lost"]],
    ["a session that was forgotten", [reply(202), reply(401)], ["lost"]],
    ["nobody answers: it may be restarting", [reply(202), refused], ["lost"]],
    ["somebody else answers", [reply(200, { garbage: true })], ["lost"]],
    ["it was moved", [reply(307)], ["lost"]],
    ["busy is no end", [reply(503), reply(429), reply(408), reply(204)], ["installed"]],
    ["busy for ever is no end either", Array(50).fill(reply(503)), []],
    ["an error of the service's own, again and again", Array(5).fill(reply(500)), ["lost"]],
    ["an error, and then its end", [...Array(4).fill(reply(500)), reply(202), reply(500), reply(204)], ["installed"]],
    ["an error that is the operation's answer", [reply(500, { error: ["Update.1.0.ApplyFailed"] })], ["failed"]],
    ["a refusal that is the operation's answer", [reply(400)], ["failed"]],
    ["Completed", [reply(200, task("Completed", "OK"))], ["installed"]],
    ["Completed without a status", [reply(200, task("Completed"))], ["installed"]],
    ["Completed with a warning", [reply(200, task("Completed", "Warning"))], ["installed"]],
    ["Completed, but Critical", [reply(200, task("Completed", "Critical"))], ["failed"]],
    ["Critical, but still running", [reply(200, task("Running", "Critical"))], []],
    ["Exception", [reply(200, task("Exception", "OK"))], ["failed"]],
    ["Killed", [reply(200, task("Killed"))], ["failed"]],
    ["Cancelled", [reply(200, task("Cancelled"))], ["failed"]],
    ["Pending, though nothing was to wait", [reply(200, task("Pending"))], []],
    ["a state that nobody knows", [reply(200, task("Dreaming"))], []],
    ["Completed, and waiting", [reply(200, task("Completed", "OK", ["Update.1.0.AwaitToActivate"]))], ["staged"]],
    ["Completed, and to be restarted", [reply(200, task("Completed", "OK", ["Base.1.13.ResetRequired"]))], ["staged"]],
    [
      "Completed, with any message",
      [reply(200, task("Completed", "OK", ["Update.1.0.UpdateSuccessful"]))],
      ["installed"],
    ],
  ])("%s", (_, looks, verdicts) => expect(run(looks)).toEqual(verdicts));

  it.each<readonly [what: string, looks: readonly Look[], verdicts: readonly Verdict["kind"][]]>([
    ["how it ended", [reply(204), reply(200, task("Completed", "OK"))], ["ask-task", "staged"]],
    ["that it failed", [reply(204), reply(200, task("Exception", "Critical"))], ["ask-task", "failed"]],
    ["nothing: it is gone", [reply(204), reply(404)], ["ask-task", "staged"]],
    ["nothing: nobody answers", [reply(204), refused], ["ask-task", "staged"]],
    ["nothing: it refuses", [reply(204), reply(401)], ["ask-task", "staged"]],
    ["nothing: it fails", [reply(204), reply(500)], ["ask-task", "staged"]],
    ["nothing: it is not JSON", [reply(204), reply(200, { garbage: true })], ["ask-task", "staged"]],
    ["nothing: it answers without a Task", [reply(204), reply(200)], ["ask-task", "staged"]],
    ["nothing new: it says Running for ever", [reply(204), reply(200, task("Running"))], ["ask-task", "staged"]],
  ])("after its monitor's end the Task is asked once, and tells %s", (_, looks, verdicts) => {
    expect(run(looks, { staged: true, known: true })).toEqual(verdicts);
  });

  it.each<readonly [what: string, looks: readonly Look[], verdict: Verdict["kind"]]>([
    ["its end", [reply(204)], "staged"],
    ["Completed", [reply(200, task("Completed", "OK"))], "staged"],
    ["Pending until then", [reply(202, task("Pending", "OK"))], "staged"],
    ["Critical", [reply(200, task("Completed", "Critical"))], "failed"],
    ["nothing", [reply(404)], "lost"],
  ])("what was to wait is staged, or not: %s", (_, looks, verdict) => {
    expect(run(looks, { staged: true })).toEqual([verdict]);
  });
});

describe("what a body tells", () => {
  it("a Task, with the ids of its last messages", () => {
    const Messages = Array.from({ length: 9 }, (_, at) => ({ MessageId: `Update.1.0.Step${at}`, Message: "text" }));
    expect(readTask({ TaskState: "Running", TaskStatus: "OK", Messages })).toEqual({
      state: "Running",
      status: "OK",
      messages: [4, 5, 6, 7, 8].map((at) => `Update.1.0.Step${at}`),
    });
  });

  it.each([
    [null],
    [[]],
    ["Running"],
    [{}],
    [{ TaskState: 7 }],
    [{ TaskState: "Run\u001b[2J" }],
    [{ TaskState: "x".repeat(10_000) }],
  ])("no Task: %j", (body) => expect(readTask(body)).toBeUndefined());

  it.each([
    ["a word that steers a terminal", "Update\u001b[2J"],
    ["a sentence", "it failed, call 555-1234"],
    ["one without end", `U${"x".repeat(500)}`],
    ["a number", 7],
  ])("no message id: %s", (_, MessageId) => {
    expect(readTask({ TaskState: "Exception", Messages: [{ MessageId }, "text", null] })?.messages).toEqual([]);
  });

  it("an error's message ids", () => {
    const error = { "@Message.ExtendedInfo": [{ MessageId: "Base.1.13.InternalError" }] };
    expect(readError({ error })).toEqual(["Base.1.13.InternalError"]);
    expect(readError({ error: {} })).toBeUndefined();
    expect(readError({ error: { "@Message.ExtendedInfo": "all is lost" } })).toEqual([]);
  });
});
