import { Box, Button, Stack } from '@mantine/core'
import { useRouteError } from 'react-router'
import { Problem } from '../ui/Problem'

/** What is shown where a page could not be drawn, or its part of the console could not be loaded. */
export function Broken() {
  const thrown = useRouteError()
  const error = thrown instanceof Error ? thrown : new Error('The page could not be drawn.')
  return (
    <Box p="lg" maw={700}>
      <Stack align="flex-start">
        <Problem error={error} />
        <Button onClick={() => window.location.reload()}>Load the console anew</Button>
      </Stack>
    </Box>
  )
}
