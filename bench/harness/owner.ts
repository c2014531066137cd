/**
 * Ends what a benchmark started: when it is done, when it fails, and at Ctrl-C.
 *
 * @module
 */

/**
 * Runs `work` with a stack of things to dispose of, and disposes of them whatever happens.
 *
 * At SIGINT or SIGTERM it disposes of them and exits with 130 or 143; a second signal ends at once.
 */
export async function withOwner<Result>(
  work: (owner: AsyncDisposableStack) => Promise<Result>,
): Promise<Result> {
  await using owner = new AsyncDisposableStack();
  const end = (status: number) => async (): Promise<void> => {
    process.stderr.write("\nStopping what was started\n");
    await owner.disposeAsync();
    process.exit(status);
  };
  const onInterrupt = end(130);
  const onTerminate = end(143);
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onTerminate);
  try {
    return await work(owner);
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onTerminate);
  }
}

/**
 * Does `work` with a resource and disposes of it; `owner` disposes of it if a signal comes first.
 */
export async function whileOwned<Resource extends AsyncDisposable, Result>(
  owner: AsyncDisposableStack,
  resource: Resource,
  work: (resource: Resource) => Promise<Result>,
): Promise<Result> {
  owner.use(resource);
  try {
    return await work(resource);
  } finally {
    await resource[Symbol.asyncDispose]();
  }
}
