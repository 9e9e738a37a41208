import { Box, Button, Stack, Text, Title } from '@mantine/core'
import { useEffect } from 'react'
import { useRouteError } from 'react-router'
import { Problem } from '../ui/Problem'

/** What browsers say of a part of the console that can't be loaded. */
const UNLOADED = /dynamically imported module|importing a module script failed|unable to preload/i

/** How often it is looked whether the server is back, milliseconds. */
const PATIENCE = 2000
/** At most so often the console is loaded anew by itself, milliseconds: what that doesn't help is not to flicker. */
const PAUSE = 30_000
/** When it was last, for this tab. */
const LAST = 'courier-loaded-anew'

/** What is shown where a page could not be drawn, or its part of the console could not be loaded. */
export function Broken() {
  const thrown = useRouteError()
  const error = thrown instanceof Error ? thrown : new Error('The page could not be drawn.')
  const unloaded = UNLOADED.test(error.message)
  return (
    <Box p="lg" maw={700}>
      <Stack align="flex-start">
        {unloaded ? <Unloaded /> : <Problem error={error} />}
        <Button onClick={() => window.location.reload()}>Load the console anew</Button>
      </Stack>
    </Box>
  )
}

/** The server is away, or has another console by now: when it answers, that is loaded. */
function Unloaded() {
  useEffect(() => {
    const timer = setInterval(async () => {
      const answer = await fetch(window.location.href, { cache: 'no-store' }).catch(() => undefined)
      if (!answer?.ok || Date.now() - Number(sessionStorage.getItem(LAST)) < PAUSE) return
      sessionStorage.setItem(LAST, String(Date.now()))
      window.location.reload()
    }, PATIENCE)
    return () => clearInterval(timer)
  }, [])
  return (
    <Stack gap="xs" role="alert">
      <Title order={1} size="h2">
        This page can’t be loaded
      </Title>
      <Text size="sm">The server is away, or it has another console by now. That is loaded as soon as it answers.</Text>
    </Stack>
  )
}
