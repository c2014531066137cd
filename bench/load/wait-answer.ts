/**
 * Waiting until a proxy serves: it accepts, and its real server has passed the first check.
 *
 * @module
 */
import { waitFor } from "../../test/helpers/wait.ts";

/** Waits until the small page comes through. */
export async function waitForAnswer(port: number): Promise<void> {
  const ask = async (): Promise<boolean> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/small.txt`, { keepalive: false });
      return (await answer.text()) === "ok\n";
    } catch {
      return false;
    }
  };
  await waitFor(ask, { what: `answer on port ${port}` });
}
