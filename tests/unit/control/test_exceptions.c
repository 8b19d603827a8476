/* Exceptions of tls_policy: what the log says of them, and when. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "control/exceptions.h"

Test(exceptions, status_lists_what_has_an_end)
{
    struct loop *loop = loop_create();
    struct table *table;
    struct err err;
    cr_assert(eq(int,
                 table_parse(&table, "tls_policy",
                             SLICE_LITERAL("a.example may\n"
                                           "b.example none until=2099-12-31 reason=old owner=ops\n"
                                           "c.example none until=2001-01-01 reason=older\n"),
                             &err),
                 0),
              "%s", err.text);
    struct exceptions *exceptions = exceptions_create(loop, true);
    exceptions_use_table(exceptions, table);
    json_t *list = exceptions_status(exceptions), *first = json_array_get(list, 0);
    cr_assert(eq(sz, json_array_size(list), 2));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(first, "rule")), "tls_policy:2"));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(first, "until")), "2099-12-31"));
    cr_assert(eq(str, (char *)json_string_value(json_object_get(first, "owner")), "ops"));
    bool first_ended = json_is_true(json_object_get(first, "ended"));
    bool second_ended = json_is_true(json_object_get(json_array_get(list, 1), "ended"));
    cr_assert(not(first_ended));
    cr_assert(second_ended);
    json_decref(list);
    exceptions_free(&exceptions);
    table_free(&table);
    loop_free(&loop);
}
