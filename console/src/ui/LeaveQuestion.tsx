import { useBlocker } from 'react-router'
import { Confirm } from './Confirm'
import { loses } from './useLeaveGuard'

/** Asks before a page with unsaved changes is left. Once, in the shell: the router knows of one such question only. */
export function LeaveQuestion() {
  const blocker = useBlocker(({ currentLocation, nextLocation }) => loses(currentLocation, nextLocation))
  return (
    <Confirm
      opened={blocker.state === 'blocked'}
      onClose={() => blocker.reset?.()}
      title="Leave without saving?"
      action="Leave"
      dismiss="Stay"
      onConfirm={() => blocker.proceed?.()}
    >
      What you changed on this page is not saved and would be lost.
    </Confirm>
  )
}
