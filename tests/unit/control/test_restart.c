/* The supervisor's back-off, and the addresses by which the gateway knows itself. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "restart.h"
#include "self.h"

Test(restart, doubles_up_to_its_most)
{
    static const unsigned expected[] = {1, 2, 4, 8, 16, 30, 30, 30};
    unsigned delay = 0;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        delay = restart_delay(delay, 0);
        cr_expect(eq(uint, delay, expected[i]));
    }
}

Test(restart, begins_again_after_a_good_run)
{
    cr_expect(eq(uint, restart_delay(30, 59), 30));
    cr_expect(eq(uint, restart_delay(30, 60), 1));
}

/* covers: SMTPC-19 */
Test(self, is_where_it_listens)
{
    struct listen_address listen[2] = {{.port = 25}, {.port = 25}};
    struct settings settings = {.hostname = "GW.Example.ORG"};
    struct self self;
    address_parse("192.0.2.9", &listen[0].address);
    address_parse("127.0.0.1", &listen[1].address);
    settings.intake.listen = listen;
    settings.intake.listen_count = 2;
    self_find(&self, &settings);
    struct delivery_settings delivery = self_delivery(&self, &settings);
    cr_expect(eq(str, (char *)delivery.policy.own_names[0], "gw.example.org"));
    cr_expect(delivery.policy.own_names[1] == NULL);
    cr_assert(eq(sz, delivery.policy.own_address_count, 1), "loopback is left to SMTPC-20");
    cr_expect(address_equal(&delivery.policy.own_addresses[0], &listen[0].address));
    self_release(&self);
}
