import { Page } from '../ui/Page'

export default function ExecutionPage() {
  return <Page title="Execution">{null}</Page>
}
