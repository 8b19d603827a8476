/* main: arguments, configuration, and the wiring of the stations into roles.
 * Owns: nothing yet beyond that.
 * Must never parse anything from the network. */
int main(void)
{
    return 0;
}
