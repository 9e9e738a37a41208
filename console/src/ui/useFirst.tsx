import { Button, Group } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { count } from './format'

/** The first of many rows, and the button that shows more of them: what is very long is slow to draw. */
export function useFirst<T>(items: T[], by: number): { first: T[]; more: ReactNode } {
  const [shown, setShown] = useState(by)
  const left = items.length - shown
  return {
    first: items.slice(0, shown),
    more: left > 0 && (
      <Group justify="center" p="xs">
        <Button variant="subtle" size="xs" onClick={() => setShown(shown + by)}>
          Show more ({count(left)} left)
        </Button>
      </Group>
    ),
  }
}
