import type { Input, Output } from './check'
import type { Request, Response } from './worker'

/** Time after which an evaluation is stopped, in milliseconds. The largest objects that API servers accept take less. */
const MAX_TIME = 20_000

/**
 * Evaluates texts in a worker, one at a time. A text that arrives during an evaluation replaces the one that waits.
 */
export class Checker {
  private worker?: Worker
  private running?: number
  private next?: Input
  private id = 0
  private timer?: ReturnType<typeof setTimeout>

  constructor(
    private readonly onOutput: (output: Output) => void,
    private readonly onFailure: (failure: string) => void,
  ) {}

  /** Evaluates texts, unless newer texts follow before their turn. */
  check(input: Input) {
    this.next = input
    this.start()
  }

  /** Stops the worker. */
  close() {
    clearTimeout(this.timer)
    this.worker?.terminate()
    this.worker = undefined
    this.running = undefined
  }

  private start() {
    if (this.running !== undefined || !this.next) return
    this.worker ??= this.open()
    const request: Request = { id: ++this.id, input: this.next }
    this.running = request.id
    this.next = undefined
    this.timer = setTimeout(() => this.fail('the evaluation takes too long'), MAX_TIME)
    this.worker.postMessage(request)
  }

  private open(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Response>) => this.finish(data))
    worker.addEventListener('error', () => this.fail('the playground does not load: reload the page'))
    return worker
  }

  private finish(response: Response) {
    clearTimeout(this.timer)
    this.running = undefined
    // Newer texts make an older output useless.
    if (!this.next) {
      if ('output' in response) this.onOutput(response.output)
      else this.onFailure(response.failure)
    }
    this.start()
  }

  private fail(reason: string) {
    this.close()
    this.onFailure(reason)
    this.start()
  }
}
