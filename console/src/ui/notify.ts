import { notifications } from '@mantine/notifications'
import type { ProblemError } from '../api/problem'

/** Short words at the edge of the screen. */
export const notify = {
  done: (message: string) => notifications.show({ message, color: 'green', autoClose: 4000 }),
  /** It went as it should, and what came out of it is bad. */
  wrong: (title: string, message: string) => notifications.show({ title, message, color: 'red', autoClose: 12_000 }),
  failed: (error: ProblemError) =>
    notifications.show({ title: error.title, message: error.message, color: 'red', autoClose: 12_000 }),
}
